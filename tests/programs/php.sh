# SPDX-License-Identifier: MIT
# php: arrays, objects, strings, regular expressions, serialization and
# generators, every value from malloc

export USE_ZEND_ALLOC=0

run()
{
	php -n -- <<-'END'
	<?php
	$x = 1;
	function nxt() { global $x; return $x = $x * 16807 % 2147483647; }
	$words = [];
	for ($i = 0; $i < 40000; $i++)
		$words[] = dechex(nxt() % 5000) . '-' . nxt() % 30;
	$count = array_count_values($words);
	arsort($count);
	ksort($count);
	echo count($count), ' ', md5(implode(',', array_keys($count))), "\n";
	class Node {
		public $kids = [];
		public $up;
		function __construct(public int $n) {}
	}
	function tree($n, $up = null) {
		$node = new Node($n);
		$node->up = $up;
		for ($i = 0; $n && $i < 3; $i++)
			$node->kids[] = tree($n - 1, $node);
		return $node;
	}
	function size($t) { return 1 + array_sum(array_map('size', $t->kids)); }
	for ($i = 0; $i < 3; $i++) {
		echo size(tree(7)), "\n";
		gc_collect_cycles();
	}
	$s = serialize(array_chunk($words, 7));
	echo strlen($s), ' ', md5(serialize(unserialize($s))), "\n";
	$j = json_encode(array_slice($count, 0, 3000));
	echo md5(json_encode(json_decode($j, true))), "\n";
	$swap = fn($m) => $m[2] . $m[1] . '_';
	$text = implode(' ', $words);
	$text = preg_replace_callback('/(\d)([a-f])/', $swap, $text);
	echo strlen($text), "\n";
	function gen($n) {
		for ($i = 0; $i < $n; $i++)
			yield "k$i" => str_repeat('v', $i % 50);
	}
	$t = 0;
	foreach (gen(20000) as $k => $v) $t += strlen($k . $v);
	echo $t, "\n";
	usort($words, fn($a, $b) => strrev($a) <=> strrev($b));
	echo md5(implode($words)), "\n";
	END
}
