# By name, for a key that another configuration manages. During the overlap of a rotation this is the new key.
data "betterdata_api_key" "forecast" {
  name = "Forecast reader"
}

# By id, whatever has become of the key.
data "betterdata_api_key" "legacy" {
  id = "key_123"
}

# The plan warns when the key is not what this configuration relies on.
check "forecast_key" {
  assert {
    condition     = provider::betterdata::scope_allows(data.betterdata_api_key.forecast.scopes, "forecast:read")
    error_message = "The key ${data.betterdata_api_key.forecast.id} may not read forecasts."
  }

  assert {
    condition     = !data.betterdata_api_key.legacy.live
    error_message = "The legacy key ${data.betterdata_api_key.legacy.id} still works. Revoke it."
  }
}
