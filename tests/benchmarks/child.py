"""The process in which `place.measured` calls a function."""

from tests.benchmarks.place import answer

if __name__ == "__main__":
    answer()
