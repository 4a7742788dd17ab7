# SPDX-License-Identifier: MIT
# xmllint: a document of 30 000 elements parsed, formatted, validated against a
# schema, searched by XPath, canonicalized and streamed

prepare()
{
	numbers 6000 | awk 'BEGIN {
		print "<?xml version=\"1.0\"?>\n<list xmlns:q=\"urn:q\">"
	} {
		printf "<row id=\"r%d\" group=\"g%d\">", NR, $1 % 17
		printf "<name>n %d &amp; m</name>", $1
		printf "<q:pos x=\"%d\"/>", $1 % 99
		printf "<v>%d</v><v>%d</v></row>", $1 % 7, NR
	} END { print "</list>" }' >doc.xml
	cat >doc.rng <<-'END'
	<grammar xmlns="http://relaxng.org/ns/structure/1.0"
	 datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
	<start><element name="list"><oneOrMore><element name="row">
	 <attribute name="id"><data type="ID"/></attribute>
	 <attribute name="group"/>
	 <element name="name"><text/></element>
	 <element name="pos" ns="urn:q">
	  <attribute name="x"><data type="int"/></attribute>
	 </element>
	 <oneOrMore><element name="v"><data type="int"/></element></oneOrMore>
	</element></oneOrMore></element></start></grammar>
	END
}

run()
{
	local doc=$IN/doc.xml

	xmllint --format "$doc" | cksum
	xmllint --noout --relaxng "$IN/doc.rng" "$doc" 2>&1 |
		sed 's/.*doc.xml//'
	xmllint --xpath 'count(//row[@group="g3"]/v[. > 3])' "$doc"
	xmllint --xpath 'string(//row[v[2] mod 1000 = 0][last()]/name)' "$doc"
	xmllint --c14n "$doc" | cksum
	xmllint --noout --stream --repeat "$doc"
	xmllint --sax --noout "$doc" | wc -l
	echo '<a><b></a>' | xmllint --noout - 2>&1 | head -n 1
}
