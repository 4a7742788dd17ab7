# What quern replay --json says, as counts of perf.sh; $name is the trace's
"replay/\($name)/instructions \(.instructions)",
"replay/\($name)/peak \(.peak_used)",
"replay/\($name)/average \(.average_used)"
