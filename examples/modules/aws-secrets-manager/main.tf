# A key in AWS Secrets Manager. secret_string_wo is a write-only argument: the secret's own state holds no copy of the
# key.
terraform {
  required_version = ">= 1.11"
  required_providers {
    betterdata = {
      source = "betterdataco/betterdata"
    }
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.88" # write-only arguments
    }
  }
}

resource "betterdata_api_key" "stock" {
  name   = "Stock service"
  scopes = ["inventory:read"]

  rotation = {
    interval = "2160h"
    overlap  = "24h" # longer than consumers cache what they read
  }
}

resource "aws_secretsmanager_secret" "stock" {
  name = "betterdata/stock"
}

resource "aws_secretsmanager_secret_version" "stock" {
  secret_id        = aws_secretsmanager_secret.stock.id
  secret_string_wo = betterdata_api_key.stock.plaintext_key

  # Write-only values are compared with nothing, so a number says when there is a new one: here the time at which the
  # key was issued, which a rotation changes.
  secret_string_wo_version = tonumber(formatdate("YYYYMMDDhhmmss", betterdata_api_key.stock.created_at))
}
