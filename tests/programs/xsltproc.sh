# SPDX-License-Identifier: MIT
# xsltproc: a document of 20 000 elements transformed with keys, sorting,
# recursion and several result documents

prepare()
{
	numbers 4000 | awk 'BEGIN { print "<list>" } {
		printf "<row id=\"r%d\" group=\"g%d\">", NR, $1 % 40
		printf "<name>n%d</name><v>%d</v>", $1 % 5000, $1 % 7
		printf "<v>%d</v></row>\n", NR
	} END { print "</list>" }' >doc.xml
	cat >sheet.xsl <<-'END'
	<xsl:stylesheet version="1.0"
	 xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
	 xmlns:e="http://exslt.org/common" extension-element-prefixes="e">
	<xsl:output indent="yes"/>
	<xsl:key name="group" match="row" use="@group"/>

	<xsl:template match="/list"><out>
	 <xsl:for-each
	  select="row[generate-id() = generate-id(key('group', @group)[1])]">
	  <xsl:sort select="@group"/>
	  <group name="{@group}" n="{count(key('group', @group))}"
	   sum="{sum(key('group', @group)/v[1])}">
	   <xsl:for-each select="key('group', @group)">
	    <xsl:sort select="name"/>
	    <xsl:sort select="v[2]" data-type="number" order="descending"/>
	    <item>
	     <xsl:value-of
	      select="concat(translate(name, 'n', 'N'), '-', v[2])"/>
	    </item>
	   </xsl:for-each>
	  </group>
	  <e:document href="{@group}.xml">
	   <xsl:copy-of select="key('group', @group)"/>
	  </e:document>
	 </xsl:for-each>
	 <xsl:call-template name="count">
	  <xsl:with-param name="n" select="500"/>
	 </xsl:call-template>
	</out></xsl:template>

	<xsl:template name="count">
	 <xsl:param name="n"/>
	 <xsl:param name="s" select="''"/>
	 <xsl:choose>
	  <xsl:when test="$n = 0">
	   <s><xsl:value-of select="string-length($s)"/></s>
	  </xsl:when>
	  <xsl:otherwise>
	   <xsl:call-template name="count">
	    <xsl:with-param name="n" select="$n - 1"/>
	    <xsl:with-param name="s" select="concat($s, $n)"/>
	   </xsl:call-template>
	  </xsl:otherwise>
	 </xsl:choose>
	</xsl:template>
	</xsl:stylesheet>
	END
}

run()
{
	xsltproc -o out.xml "$IN/sheet.xsl" "$IN/doc.xml" && tail -n 2 out.xml
}

verify()
{
	cksum *.xml
}
