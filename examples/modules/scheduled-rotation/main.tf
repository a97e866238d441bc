# A key that is rotated by a scheduled run: see rotate.yml beside this file. The run needs a state that it shares with
# everybody else who applies this configuration, so add the backend of your choice.
terraform {
  required_version = ">= 1.11"
  required_providers {
    betterdata = {
      source = "betterdataco/betterdata"
    }
  }
}

# The run applies every day. So this key is never older than 31 days, and its predecessor lives for two to three.
resource "betterdata_api_key" "exporter" {
  name   = "Stock exporter"
  scopes = ["inventory:read"]

  rotation = {
    interval = "720h"
    overlap  = "48h"
  }
}

output "next_rotation_at" {
  value = betterdata_api_key.exporter.next_rotation_at
}

output "api_key" {
  value     = betterdata_api_key.exporter.plaintext_key
  sensitive = true
}
