"""Signing in: the pages for it, and the guard between a login session and its pages."""
