# A key in a Kubernetes Secret. data_wo is a write-only argument: the Secret's own state holds no copy of the key.
terraform {
  required_version = ">= 1.11"
  required_providers {
    betterdata = {
      source = "betterdataco/betterdata"
    }
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = ">= 2.36" # write-only arguments
    }
  }
}

variable "namespace" {
  description = "Namespace of the Secret."
  type        = string
  default     = "default"
}

resource "betterdata_api_key" "stock" {
  name   = "Stock service"
  scopes = ["inventory:read"]

  rotation = {
    interval = "2160h"
    overlap  = "24h" # longer than pods take to notice the new Secret
  }
}

resource "kubernetes_secret_v1" "stock" {
  metadata {
    name      = "betterdata-stock"
    namespace = var.namespace
  }

  data_wo = {
    BETTERDATA_API_KEY = betterdata_api_key.stock.plaintext_key
  }

  # Write-only values are compared with nothing, so a number says when there is a new one: here the time at which the
  # key was issued, which a rotation changes.
  data_wo_revision = tonumber(formatdate("YYYYMMDDhhmmss", betterdata_api_key.stock.created_at))
}
