terraform {
  required_version = ">= 1.11"

  required_providers {
    betterdata = {
      source = "betterdataco/betterdata"
    }
  }
}

# The credential comes from BETTERDATA_TOKEN, or from a file named by BETTERDATA_TOKEN_FILE.
provider "betterdata" {}
