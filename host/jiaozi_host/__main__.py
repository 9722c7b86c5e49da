"""The command `jiaozi`, as `python -m jiaozi_host`."""

from jiaozi_host.cli import main

if __name__ == "__main__":
    main()
