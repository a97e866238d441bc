# A key for a job that reads inventory and forecasts. The provider is configured by the environment:
# BETTERDATA_TOKEN or BETTERDATA_TOKEN_FILE, and BETTERDATA_BASE_URL for anything but the real API.
terraform {
  required_version = ">= 1.11"
  required_providers {
    betterdata = {
      source = "betterdataco/betterdata"
    }
  }
}

provider "betterdata" {}

variable "scopes" {
  description = "What the key may do. A change is made in place."
  type        = set(string)
  default     = ["inventory:read"]
}

variable "release" {
  description = "Change it to rotate the key."
  type        = string
  default     = "1"
}

resource "betterdata_api_key" "forecast_job" {
  name   = "Forecast job"
  scopes = var.scopes

  rotation = {
    interval = "2160h" # 90 days
    overlap  = "24h"
    triggers = { release = var.release }
  }
}

output "key_id" {
  value = betterdata_api_key.forecast_job.id
}

output "api_key" {
  value     = betterdata_api_key.forecast_job.plaintext_key
  sensitive = true
}
