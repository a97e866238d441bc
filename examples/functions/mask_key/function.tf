resource "betterdata_api_key" "forecast" {
  name   = "Forecast reader"
  scopes = ["forecast:read"]
}

# "bdk_live_ABC123_...XYZ1": tells which key is in use, and shows no more than the API's own listings.
output "forecast_key_in_use" {
  value = nonsensitive(provider::betterdata::mask_key(betterdata_api_key.forecast.plaintext_key))
}
