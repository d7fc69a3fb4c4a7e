"""What a Milvus server can be asked about access, usable in a plain script."""
