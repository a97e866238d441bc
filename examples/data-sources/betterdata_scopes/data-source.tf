data "betterdata_scopes" "all" {}

data "betterdata_scopes" "inventory" {
  area = "inventory"
}

variable "scopes" {
  type        = set(string)
  description = "Scopes of the partner's key."
  default     = ["inventory:read"]
}

# Stricter than the provider, which only warns of a scope that is not in the catalogue.
resource "betterdata_api_key" "partner" {
  name   = "Partner"
  scopes = var.scopes

  lifecycle {
    precondition {
      condition     = length(setsubtract(var.scopes, data.betterdata_scopes.all.names)) == 0
      error_message = "Choose among ${join(", ", data.betterdata_scopes.all.names)}."
    }
  }
}

output "inventory_scopes" {
  value = { for scope in data.betterdata_scopes.inventory.scopes : scope.name => scope.description }
}
