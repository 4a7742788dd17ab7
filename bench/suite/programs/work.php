<?php
// SPDX-License-Identifier: MIT
// Arrays, objects, strings, regular expressions, serialization, generators.
$x = 1;
function random($n)
{
	global $x;
	$x = $x * 16807 % 2147483647;
	return $x % $n;
}

$words = [];
for ($i = 0; $i < 200000; $i++)
	$words[] = dechex(random(20000)) . '-' . random(30);
$count = array_count_values($words);
ksort($count);
echo count($count), ' ', md5(implode(',', array_keys($count))), "\n";

class Node
{
	public $kids = [];

	public function __construct(public int $depth, public ?Node $up)
	{
		for ($i = 0; $depth && $i < 3; $i++)
			$this->kids[] = new Node($depth - 1, $this);
	}

	public function count()
	{
		$n = 1;
		foreach ($this->kids as $kid)
			$n += $kid->count();
		return $n;
	}
}

for ($i = 0; $i < 4; $i++) {
	echo (new Node(8, null))->count(), "\n";
	gc_collect_cycles();
}
$s = serialize(array_chunk($words, 7));
echo strlen($s), ' ', md5(serialize(unserialize($s))), "\n";
$json = json_encode(array_map(fn($w) => ['w' => $w, 'n' => [1, 2]], $words));
echo md5(json_encode(json_decode($json, true))), "\n";
$turned = preg_replace_callback('/(\d)([a-f])/', fn($m) => $m[2] . $m[1] . '_',
	implode(' ', $words));
echo strlen($turned), "\n";
function strings($n)
{
	for ($i = 0; $i < $n; $i++)
		yield "k$i" => str_repeat('v', $i % 50);
}
$sum = 0;
foreach (strings(300000) as $k => $v)
	$sum += strlen($k . $v);
echo $sum, "\n";
