"""Ways to reach another wallet or a host, made of drivers."""
