"""prmscale: how process reward models generalise in test-time scaling."""
