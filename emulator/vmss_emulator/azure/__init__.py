"""Who answers which request to Azure Resource Manager."""
