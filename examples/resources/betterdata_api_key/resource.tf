# Rotated every 90 days by the first apply after that; the old key works for another day.
resource "betterdata_api_key" "forecast" {
  name   = "Forecast reader"
  scopes = ["inventory:read", "forecast:read"]

  rotation = {
    interval = "2160h"
    overlap  = "24h"
  }
}

# Rotated when a value changes, here with every release.
resource "betterdata_api_key" "importer" {
  name   = "Nightly importer"
  scopes = ["inventory:*"]

  rotation = {
    triggers = { release = var.release }
  }
}

variable "release" {
  type        = string
  description = "Release that the importer runs."
}

output "forecast_key" {
  value     = betterdata_api_key.forecast.plaintext_key
  sensitive = true
}
