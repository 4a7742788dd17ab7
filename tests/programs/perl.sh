# SPDX-License-Identifier: MIT
# perl: hashes of arrays, regular expressions, closures, sorting, local data
# structures

prepare()
{
	text 8000 >text
}

run()
{
	perl -we '
	use strict;
	my (%count, %at, @line);
	while (<>) {
		chomp;
		push @line, [ split ];
		for my $w (@{ $line[-1] }) {
			$count{$w}++;
			push @{ $at{substr $w, 0, 4}{length $w} }, $.;
		}
	}
	printf "%d %d %d\n", scalar @line, scalar keys %count, scalar keys %at;
	my @by = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
	print "$_ $count{$_}\n" for @by[0 .. 9];
	my @f = map {
		my $n = $_;
		sub { join "-", map { $_ * $n } @_ }
	} 1 .. 5000;
	my $s = 0;
	$s += length $_->(1, 2, 3) for @f;
	for my $l (@line) {
		my $t = join " ", reverse @$l;
		$s += $t =~ s/([aeiou])(\w)/$2$1/g;
		$s += () = $t =~ /(?<x>\w\w)\d/g;
	}
	print "$s\n";
	my %tree;
	for my $w (@by) {
		my $t = \%tree;
		$t = $t->{$_} //= {} for split //, $w;
	}
	sub depth {
		my $t = shift;
		my $n = 1;
		$n += depth($_) for values %$t;
		return $n;
	}
	print depth(\%tree), "\n";
	' "$IN/text"
}
