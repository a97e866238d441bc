# A report on the live keys that deserve a look, and why. It changes nothing and needs admin:read alone. All data
# sources share one listing of the tenant's keys.
terraform {
  required_version = ">= 1.11"
  required_providers {
    betterdata = {
      source = "betterdataco/betterdata"
    }
  }
}

variable "max_age" {
  description = "Age from which a key counts as old, as a Go duration."
  type        = string
  default     = "2160h" # 90 days, the vendor's advice
}

data "betterdata_api_keys" "live" {
  live = true
}

data "betterdata_api_keys" "old" {
  live       = true
  older_than = var.max_age
}

data "betterdata_api_keys" "all_powerful" {
  live  = true
  scope = "*"
}

data "betterdata_api_keys" "administrators" {
  live  = true
  scope = "admin:write"
}

locals {
  reasons = {
    "older than ${var.max_age}"     = data.betterdata_api_keys.old.ids
    "may do everything"             = data.betterdata_api_keys.all_powerful.ids
    "may issue and revoke API keys" = data.betterdata_api_keys.administrators.ids
  }

  findings = [
    for key in data.betterdata_api_keys.live.keys : {
      id         = key.id
      name       = key.name
      key        = "${coalesce(key.key_prefix, "?")}...${coalesce(key.last4, "?")}"
      created_at = key.created_at
      scopes     = key.scopes
      reasons    = [for reason, ids in local.reasons : reason if contains(ids, key.id)]
    } if contains(flatten(values(local.reasons)), key.id)
  ]
}

# A warning in every plan while there is something to look at. A precondition of a resource would be an error.
check "keys" {
  assert {
    condition     = length(local.findings) == 0
    error_message = "Look at: ${join("; ", [for f in local.findings : "${f.id} ${f.name} (${join(", ", f.reasons)})"])}."
  }
}

# As JSON: terraform output -json findings
output "findings" {
  value = local.findings
}
