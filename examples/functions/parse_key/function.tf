variable "leaked_key" {
  type        = string
  sensitive   = true
  description = "A key that turned up where it should not be."
}

data "betterdata_api_keys" "all" {}

locals {
  leaked = nonsensitive(provider::betterdata::parse_key(var.leaked_key))
}

# Whose key is it, and does it still work?
output "leaked" {
  value = [
    for key in data.betterdata_api_keys.all.keys : { id = key.id, name = key.name, live = key.live, scopes = key.scopes }
    if key.key_prefix == local.leaked.key_prefix && key.last4 == local.leaked.last4
  ]
}
