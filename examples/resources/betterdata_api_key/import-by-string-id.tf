import {
  to = betterdata_api_key.forecast
  id = "key_123"
}
