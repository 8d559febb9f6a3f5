"""How fast it is, each time beside the bound and the programs that it is to be compared with."""
