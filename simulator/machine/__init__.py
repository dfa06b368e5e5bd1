"""Machine files: what a machine is (`schema`), and how its YAML is read (`yaml_file`, `loader`)."""
