"""The name of a published dataset goes in; its arrays come out, from a folder or the network."""
