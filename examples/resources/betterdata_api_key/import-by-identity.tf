import {
  to = betterdata_api_key.forecast
  identity = {
    id = "key_123"
  }
}
