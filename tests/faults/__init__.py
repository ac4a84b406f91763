"""The service while its servers are killed, cut off, slowed down and flooded: no money is lost and none appears."""
