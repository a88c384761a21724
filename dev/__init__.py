"Build scripts: export, README, website. Each is run by the Makefile."
