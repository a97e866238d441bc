# A key in Vault, KV version 2. data_json_wo is a write-only argument: the secret's own state holds no copy of the key.
terraform {
  required_version = ">= 1.11"
  required_providers {
    betterdata = {
      source = "betterdataco/betterdata"
    }
    vault = {
      source  = "hashicorp/vault"
      version = ">= 5.0" # write-only arguments
    }
  }
}

variable "mount" {
  description = "Mount of the KV version 2 engine."
  type        = string
  default     = "secret"
}

resource "betterdata_api_key" "stock" {
  name   = "Stock service"
  scopes = ["inventory:read"]

  rotation = {
    interval = "2160h"
    overlap  = "24h" # longer than consumers cache what they read
  }
}

resource "vault_kv_secret_v2" "stock" {
  mount = var.mount
  name  = "betterdata/stock"

  data_json_wo = jsonencode({ api_key = betterdata_api_key.stock.plaintext_key })

  # Write-only values are compared with nothing, so a number says when there is a new one: here the time at which the
  # key was issued, which a rotation changes.
  data_json_wo_version = tonumber(formatdate("YYYYMMDDhhmmss", betterdata_api_key.stock.created_at))
}
