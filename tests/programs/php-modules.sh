# SPDX-License-Identifier: MIT
# php with all modules that are installed, each opened with RTLD_DEEPBIND: XML,
# strings of many bytes a character, databases, archives, pictures, numbers

needs=php
allocs=20000
export USE_ZEND_ALLOC=0

run()
{
	php -- <<-'END'
	<?php
	$x = 1;
	function nxt() { global $x; return $x = $x * 16807 % 2147483647; }
	function has($name) { return extension_loaded($name); }
	echo implode(' ', get_loaded_extensions()), "\n";
	$words = [];
	for ($i = 0; $i < 3000; $i++)
		$words[] = dechex(nxt() % 5000) . 'ü';
	if (has('dom')) {
		$d = new DOMDocument();
		$root = $d->appendChild($d->createElement('root'));
		foreach ($words as $w)
			$root->appendChild($d->createElement('w', $w));
		$xml = $d->saveXML();
		echo md5($xml), ' ', count((new DOMXPath($d))->query('//w')), "\n";
		echo simplexml_load_string($xml)->w[7], "\n";
	}
	if (has('xsl')) {
		$s = new DOMDocument();
		$s->loadXML('<x:stylesheet version="1.0" xmlns:x="http://www.w3.org/1999/XSL/Transform">'
			. '<x:template match="w">[<x:value-of select="."/>]</x:template></x:stylesheet>');
		$p = new XSLTProcessor();
		$p->importStylesheet($s);
		echo md5($p->transformToXML($d)), "\n";
	}
	if (has('xmlreader')) {
		$r = new XMLReader();
		$r->XML($xml);
		for ($n = 0; $r->read(); $n++);
		echo $n, "\n";
	}
	if (has('mbstring'))
		foreach (['UTF-16', 'ISO-8859-1', 'EUC-JP'] as $e)
			echo md5(mb_convert_encoding(implode(' ', $words), $e, 'UTF-8')), "\n";
	if (has('iconv'))
		echo md5(iconv('UTF-8', 'UTF-16', implode(' ', $words))), "\n";
	if (has('intl')) {
		$c = new Collator('de_DE');
		$sorted = $words;
		$c->sort($sorted);
		echo md5(implode($sorted)), "\n";
		echo (new NumberFormatter('de_DE', NumberFormatter::SPELLOUT))->format(1234), "\n";
		echo Normalizer::normalize("u\u{308}"), "\n";
	}
	if (has('sqlite3')) {
		$db = new SQLite3(':memory:');
		$db->exec('create table t (w text, n integer)');
		$q = $db->prepare('insert into t values (?, ?)');
		foreach ($words as $i => $w) {
			$q->bindValue(1, $w);
			$q->bindValue(2, $i);
			$q->execute();
			$q->reset();
		}
		echo $db->querySingle('select count(*) from (select w from t group by w)'), "\n";
	}
	if (has('pdo_sqlite')) {
		$pdo = new PDO('sqlite::memory:');
		$pdo->exec('create table t (w text)');
		$q = $pdo->prepare('insert into t values (?)');
		foreach ($words as $w)
			$q->execute([$w]);
		echo count($pdo->query('select distinct w from t')->fetchAll()), "\n";
	}
	if (has('zlib'))
		echo gzuncompress(gzcompress(implode($words))) == implode($words), "\n";
	if (has('zip')) {
		$z = new ZipArchive();
		$z->open('a.zip', ZipArchive::CREATE);
		foreach (array_slice($words, 0, 100) as $i => $w)
			$z->addFromString("$i", $w);
		$z->close();
		$z->open('a.zip');
		echo $z->numFiles, ' ', $z->getFromName('9'), "\n";
	}
	if (has('gd')) {
		$i = imagecreatetruecolor(200, 200);
		for ($n = 0; $n < 500; $n++)
			imageline($i, nxt() % 200, nxt() % 200, nxt() % 200, nxt() % 200, nxt());
		ob_start();
		imagepng($i);
		echo md5(ob_get_clean()), "\n";
	}
	if (has('gmp'))
		echo gmp_strval(gmp_pow(7, 500)), "\n";
	if (has('bcmath'))
		echo bcpow('7', '300'), "\n";
	if (has('curl')) {
		$c = curl_init('file://' . getcwd() . '/a.zip');
		curl_setopt($c, CURLOPT_RETURNTRANSFER, true);
		echo strlen(curl_exec($c)) > 0, "\n";
	}
	if (has('openssl'))
		echo openssl_digest(implode($words), 'sha256'), "\n";
	if (has('mysqli'))
		echo strlen(mysqli_get_client_info()) > 0, "\n";
	echo md5(preg_replace('/(\pL)(\d)/u', '$2$1', implode(' ', $words))), "\n";
	END
}
