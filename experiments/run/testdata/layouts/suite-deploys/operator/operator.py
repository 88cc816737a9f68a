print("moss")
