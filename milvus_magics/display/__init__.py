"""How results look: the only place that makes HTML, and it escapes every value."""
