# SPDX-License-Identifier: MIT
# xmllint: a document of 30 000 elements parsed, formatted, validated against a schema,
# searched by XPath, canonicalized and streamed
prepare()
{
	numbers 6000 | awk 'BEGIN { print "<?xml version=\"1.0\"?>\n<list xmlns:q=\"urn:q\">" } {
		printf "<row id=\"r%d\" group=\"g%d\"><name>n %d &amp; m</name><q:pos x=\"%d\"/><v>%d</v><v>%d</v></row>", NR, $1 % 17, $1, $1 % 99, $1 % 7, NR
	} END { print "</list>" }' >doc.xml
	cat >doc.rng <<-'END'
	<grammar xmlns="http://relaxng.org/ns/structure/1.0" datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
	<start><element name="list"><oneOrMore><element name="row"><attribute name="id"><data type="ID"/></attribute>
	<attribute name="group"/><element name="name"><text/></element>
	<element name="pos" ns="urn:q"><attribute name="x"><data type="int"/></attribute></element>
	<oneOrMore><element name="v"><data type="int"/></element></oneOrMore></element></oneOrMore></element></start></grammar>
	END
}

run()
{
	xmllint --format "$IN/doc.xml" | cksum
	xmllint --noout --relaxng "$IN/doc.rng" "$IN/doc.xml" 2>&1 | sed 's/.*doc.xml/doc.xml/'
	xmllint --xpath 'count(//row[@group="g3"]/v[. > 3])' "$IN/doc.xml"
	xmllint --xpath 'string(//row[v[2] mod 1000 = 0][last()]/name)' "$IN/doc.xml"
	xmllint --c14n "$IN/doc.xml" | cksum
	xmllint --noout --stream --repeat "$IN/doc.xml" && xmllint --sax --noout "$IN/doc.xml" | wc -l
	echo '<a><b></a>' | xmllint --noout - 2>&1 | head -n 1
}
