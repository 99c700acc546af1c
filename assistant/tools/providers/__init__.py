"""Where live data come from: one module a source, behind the protocols of ``protocols``."""
