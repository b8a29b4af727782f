"""The MCP server: commands of the registry as tools of the Model Context Protocol."""
