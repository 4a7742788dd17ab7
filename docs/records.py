import json
rows = [{"id": i, "name": "row %d" % i} for i in range(120000)]
print(len(json.loads(json.dumps(rows))))
