"""One folder per source system; each is a plugin that comes in through ``o2c_mining.connect``."""
