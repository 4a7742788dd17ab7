# SPDX-License-Identifier: MIT
# large.pl - texts are kept by their words, asked for and dropped, four times: 20 to 60 MB.
use strict;
use warnings;

my $state = 1;

sub below {
	my ($n) = @_;
	$state = $state * 16807 % 2147483647;
	return $state % $n;
}

sub index_of {
	my ($texts) = @_;
	my %index;
	for my $i (1 .. $texts) {
		my @words = map { 'w' . below(20000) } 1 .. 3;
		my $text = join(' ', @words) x (1 + below(40));
		push @{ $index{$_} }, $text for @words;
	}
	return \%index;
}

my $sum = 0;
for my $round (1 .. 4) {
	my $index = index_of(12000 * $round);
	for (1 .. 10000) {
		my $found = $index->{ 'w' . below(20000) } or next;
		$sum += length($_) for @$found;
	}
	my @most = (sort { @{ $index->{$b} } <=> @{ $index->{$a} } || $a cmp $b }
		keys %$index)[0 .. 9];
	$sum += scalar @{ $index->{$_} } for @most;
	undef $index;
	my @lists = map { [split(//, $_ x 3)] } map { below(1000000) } 1 .. 2000;
	$sum += scalar @$_ for @lists;
}
print "$sum\n";
