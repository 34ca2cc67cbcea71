"""Reports: programs and a machine's peaks flow in; what they cost and will cost comes out."""
