"""Azure's own words about a scale set: shown as they came, or masked and kept in a folder that can be shared."""
