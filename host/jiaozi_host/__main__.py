"""Entry point of `python -m jiaozi_host`: the command `jiaozi`."""

from jiaozi_host.cli import main

if __name__ == "__main__":
    main()
