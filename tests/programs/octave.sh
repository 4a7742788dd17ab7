# SPDX-License-Identifier: MIT
# octave-cli: matrices, linear algebra, strings, cells, structures, regular
# expressions and error handling

needs=octave-cli
counts="octave-cli octave-cli-7.3."

prepare()
{
	cat >work.m <<-'END'
	1;
	function r = tree(n)
	  if n == 0
	    r = {};
	  else
	    r = {tree(n - 1), n, tree(n - 1)};
	  end
	end
	function n = total(t)
	  n = 1;
	  for i = 1:numel(t)
	    if iscell(t{i})
	      n += total(t{i});
	    end
	  end
	end
	x = 1;
	v = zeros(1, 20000);
	for i = 1:20000
	  x = mod(x * 16807, 2147483647);
	  v(i) = x;
	end
	printf("%.0f %.0f\n", sum(mod(v, 1000)), max(v));
	A = reshape(mod(v(1:10000), 97), 100, 100) + 50 * eye(100);
	b = A * (1:100)';
	printf("%d\n", norm(A \ b - (1:100)') < 1e-6);
	printf("%d\n", abs(prod(eig(A' * A)(1:3))) > 0);
	s = struct();
	for i = 1:2000
	  k = sprintf("k%d", mod(v(i), 700));
	  if isfield(s, k)
	    s.(k){end + 1} = i;
	  else
	    s.(k) = {i};
	  end
	end
	printf("%d %d\n", numfields(s), max(cellfun(@numel, struct2cell(s))));
	printf("%d\n", total(tree(9)));
	name = @(n) sprintf("%x-%d", mod(n, 5000), mod(n, 7));
	words = arrayfun(name, v(1:5000), "UniformOutput", false);
	[u, ~, j] = unique(words);
	printf("%d %d\n", numel(u), max(accumarray(j(:), 1)));
	printf("%s %s\n", u{1}, u{end});
	t = regexprep(strjoin(words, " "), '(\d)([a-f])', '$2$1');
	printf("%d %s\n", numel(t), hash("md5", t));
	n = 0;
	for i = 1:300
	  try
	    error("mine:id", "number %d", i);
	  catch e
	    n += numel(e.message);
	  end
	end
	printf("%d\n", n);
	m = containers.Map();
	for i = 1:500
	  m(words{i}) = struct("a", i, "b", {{i, words{i}}});
	end
	printf("%d\n", m.Count);
	save("-text", "out.mat", "s", "u");
	END
}

run()
{
	export OPENBLAS_NUM_THREADS=2 OMP_NUM_THREADS=2
	octave-cli --norc --no-history --quiet "$IN/work.m"
}

verify()
{
	grep -v '^# Created' out.mat | cksum
}
