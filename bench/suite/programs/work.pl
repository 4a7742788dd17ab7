# SPDX-License-Identifier: MIT
# Hashes of arrays, regular expressions, closures, sorting.
use strict;
use warnings;

my (%count, %at, @line);
while (<>) {
	chomp;
	push @line, [split];
	for my $w (@{$line[-1]}) {
		$count{$w}++;
		push @{$at{substr $w, 0, 4}{length $w}}, $.;
	}
}
printf "%d %d %d\n", scalar @line, scalar keys %count, scalar keys %at;
my @by = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
print "$_ $count{$_}\n" for @by[0 .. 4];

my @multiply = map {
	my $n = $_;
	sub { join "-", map { $_ * $n } @_ }
} 1 .. 50000;
my $sum = 0;
$sum += length $_->(1, 2, 3) for @multiply;
for my $l (@line) {
	my $t = join " ", reverse @$l;
	$sum += $t =~ s/([aeiou])(\w)/$2$1/g;
	$sum += () = $t =~ /(?<x>\w\w)\d/g;
}
print "$sum\n";

my %tree;
for my $w (@by) {
	my $t = \%tree;
	$t = $t->{$_} //= {} for split //, $w;
}

sub nodes
{
	my $n = 1;
	$n += nodes($_) for values %{$_[0]};
	return $n;
}
print nodes(\%tree), "\n";
