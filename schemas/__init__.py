"""What the data is: records, their Parquet schemas, the recipe, the shard and its index."""
