"""The login of the desk, for `panel serve dashboard/app.py --auth-module dashboard/auth.py`.

Bokeh loads this file by its path, as a module of its own, and asks it who sends a request.
"""

from __future__ import annotations

from dashboard.login.base import LOGIN_URL
from dashboard.login.guard import signed_in_user
from dashboard.login.routes import install

install()

login_url = LOGIN_URL
get_user_async = signed_in_user
