# Three hundred short processes, as of a build or a shell script
for i in $(seq 300); do
	awk 'BEGIN { for (i = 0; i < 300; i++) a[i] = i "text"; exit !a[299] }' || exit 1
done
