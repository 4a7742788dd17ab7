// SPDX-License-Identifier: MIT
/*
 * flame-svg.c - a flame graph: the root is below, a function lies on its caller and is as
 * wide as its share of the sum.
 *
 * All that is needed without scripts is in the file: rectangles, names where they fit,
 * tooltips. The script reads the shares from the elements (data-x, data-w).
 */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "flame.h"
#include "flame-tree.h"
#include "base/fnv1a.h"
#include "command/base/demangle.h"
#include "command/base/fail.h"
#include "command/draw/markup.h"

#define WIDTH  1200
#define ROW    18
#define HEADER 58
#define FOOTER 10
/* Columns of a letter, and of the least rectangle that is drawn */
#define LETTER 7.3
#define LEAST  0.3
/* Deeper functions are left out */
#define DEPTH_MOST 120

static const char style[] =
	".qf{font:12px ui-monospace,Menlo,Consolas,monospace;--p:#fff;--i:#222;"
	"--f:#666}\n"
	"@media(prefers-color-scheme:dark){.qf{--p:#16181c;--i:#e6e6e6;"
	"--f:#9a9a9a}}\n"
	".qf .p{fill:var(--p)}\n"
	".qf text{fill:#1b1b1b;pointer-events:none}\n"
	".qf text.t{fill:var(--i);font:bold 16px system-ui,sans-serif}\n"
	".qf text.s{fill:var(--f);font:13px system-ui,sans-serif}\n"
	".qf g rect{stroke:var(--p);stroke-width:.6}\n"
	".qf g:hover rect{stroke:var(--i);stroke-width:1.2;cursor:pointer}\n"
	".qf g.hit rect{fill:#b455d8!important}\n"
	".qf g.dim{opacity:.45}\n"
	".qf input{font:13px system-ui,sans-serif;width:98%;"
	"box-sizing:border-box}\n";

/*
 * A click zooms: what is above gets the whole width, what is below is dim, what is
 * beside goes. A word in the box marks functions and sums their shares up.
 */
static const char script[] =
	"(function(){\n"
	"var me=document.currentScript.parentNode;\n"
	"var W=1200,L=7.3,all=[].slice.call(me.querySelectorAll('g[data-w]'));\n"
	"var info=me.querySelector('.s'),first=info.textContent,base=all[0];\n"
	"function val(g,k){return parseFloat(g.getAttribute('data-'+k))}\n"
	"function name(g){return g.querySelector('title').textContent}\n"
	"function fit(g,w){var t=g.querySelector('text'),n=g.getAttribute('data-n'),"
	"m=Math.floor((w-6)/L);if(t)t.textContent=n.length<=m?n:"
	"m<5?'':n.slice(0,m-3)+'...'}\n"
	"function zoom(b){base=b;var x0=val(b,'x'),w0=val(b,'w'),d=val(b,'d');\n"
	"all.forEach(function(g){var x=val(g,'x'),w=val(g,'w'),gd=val(g,'d'),"
	"e=1e-9;\n"
	"var up=x>=x0-e&&x+w<=x0+w0+e&&gd>=d,down=gd<d&&x<=x0+e&&x+w>=x0+w0-e;\n"
	"g.style.display=up||down?'':'none';g.classList.toggle('dim',down);\n"
	"var X=down?0:(x-x0)/w0*W,V=down?W:w/w0*W,r=g.querySelector('rect'),"
	"t=g.querySelector('text');\n"
	"r.setAttribute('x',X);r.setAttribute('width',V);"
	"if(t)t.setAttribute('x',X+4);fit(g,V)})}\n"
	"function find(q){q=q.toLowerCase();var hits=[],sum=0;\n"
	"all.forEach(function(g){var h=q&&g.getAttribute('data-n').toLowerCase()"
	".indexOf(q)>=0;g.classList.toggle('hit',!!h);"
	"if(h)hits.push(g)});\n"
	"hits.forEach(function(g){var x=val(g,'x'),w=val(g,'w'),d=val(g,'d');"
	"if(!hits.some(function(h){return val(h,'d')<d&&val(h,'x')<=x+1e-9&&"
	"val(h,'x')+val(h,'w')>=x+w-1e-9}))sum+=w});\n"
	"info.textContent=q?hits.length+' functions, '+(100*sum).toFixed(1)+"
	"' %':first}\n"
	"all.forEach(function(g){g.addEventListener('click',function(){"
	"zoom(base===g?all[0]:g)})});\n"
	"var fo=document.createElementNS('http://www.w3.org/2000/svg',"
	"'foreignObject');\n"
	"fo.setAttribute('x',870);fo.setAttribute('y',8);"
	"fo.setAttribute('width',310);fo.setAttribute('height',34);\n"
	"var box=document.createElementNS('http://www.w3.org/1999/xhtml',"
	"'input');\n"
	"box.setAttribute('type','search');"
	"box.setAttribute('placeholder','search functions');\n"
	"box.setAttribute('aria-label','search functions');\n"
	"box.addEventListener('input',function(){find(box.value)});\n"
	"fo.appendChild(box);me.appendChild(fo);\n"
	"})();\n";

/**
 * struct picture - one that is drawn
 * @depth:	rows
 * @total:	of the root
 */
struct picture {
	FILE *out;
	const struct qn_flame *flame;
	const struct qn_flame_tree *tree;
	enum qn_flame_of of;
	u32 depth;
	double total;
};

/* Rows that are needed, without functions that are too narrow */
static u32 depth_of(const struct picture *p, u32 node, u32 depth)
{
	u32 most = depth + 1;

	for (u32 at = p->tree->nodes[node].first; at && depth < DEPTH_MOST;
	     at = p->tree->nodes[at].next)
		if ((double)p->tree->nodes[at].value / p->total * WIDTH >=
		    LEAST)
			most = max(most, depth_of(p, at, depth + 1));
	return most;
}

/* Warm, and always the same for a name */
static void put_colour(const struct picture *p, const char *name)
{
	u32 hash = qn_fnv1a(QN_FNV1A_START, name, strlen(name));

	fprintf(p->out, "hsl(%u,%u%%,%u%%)", 14 + hash % 42,
		74 + hash / 64 % 20, 60 + hash / 4096 % 12);
}

static void put_title(const struct picture *p, const struct qn_node *node)
{
	const struct qn_symbols_frame *f = &node->frame;

	fputs("<title>", p->out);
	qn_markup_text(p->out, f->function);
	fprintf(p->out, ": %s, %s", qn_flame_text(p->of, node->value).s,
		qn_text_share(node->value, (u64)p->total).s);
	if (f->file) {
		fputs("; ", p->out);
		qn_markup_text(p->out, f->file);
		fprintf(p->out, ":%u", f->line);
	} else if (*f->module) {
		fputs("; ", p->out);
		qn_markup_text(p->out, f->module);
	}
	fputs("</title>", p->out);
}

/* As much of a name as there are columns for */
static void put_name(FILE *out, const char *name, double columns)
{
	if (columns >= qn_markup_length(name))
		qn_markup_text(out, name);
	else if (columns >= 5)
		qn_markup_cut(out, name, (u32)columns - 3);
}

static void put_node(const struct picture *p, u32 at, double x, u32 depth)
{
	const struct qn_node *node = &p->tree->nodes[at];
	double share = (double)node->value / p->total, width = share * WIDTH;
	double y = HEADER + (double)(p->depth - 1 - depth) * ROW;
	char brief[400];

	if (width < LEAST || depth >= p->depth)
		return;
	qn_demangle_brief(node->frame.function, brief, sizeof(brief));
	fprintf(p->out,
		"<g data-x=\"%.9g\" data-w=\"%.9g\" data-d=\"%u\" data-n=\"",
		x / WIDTH, share, depth);
	qn_markup_text(p->out, brief);
	fputs("\">", p->out);
	put_title(p, node);
	fprintf(p->out,
		"<rect x=\"%.2f\" y=\"%.0f\" width=\"%.2f\" height=\"%d\" fill=\"",
		x, y, width, ROW - 1);
	put_colour(p, brief);
	fprintf(p->out, "\"/><text x=\"%.2f\" y=\"%.0f\">", x + 4, y + 13);
	put_name(p->out, brief, (width - 6) / LETTER);
	fputs("</text></g>\n", p->out);
	for (at = node->first; at; at = p->tree->nodes[at].next) {
		put_node(p, at, x, depth + 1);
		x += (double)p->tree->nodes[at].value / p->total * WIDTH;
	}
}

static void put_head(const struct picture *p, double height, bool is_file)
{
	fprintf(p->out,
		"<svg %sclass=\"qf\" viewBox=\"0 0 %d %.0f\" width=\"100%%\" "
		"preserveAspectRatio=\"xMidYMin\" "
		"role=\"img\">\n",
		is_file ? "xmlns=\"http://www.w3.org/2000/svg\" " : "", WIDTH,
		height);
	fprintf(p->out, "<style>%s</style>\n", style);
	fprintf(p->out,
		"<rect class=\"p\" width=\"%d\" height=\"%.0f\"/>\n"
		"<text class=\"t\" x=\"4\" y=\"22\">",
		WIDTH, height);
	qn_markup_cut(p->out, p->flame->program, 60);
	fprintf(p->out, ": %s</text>\n", qn_flame_about(p->flame, p->of));
	fprintf(p->out,
		"<text class=\"s\" x=\"4\" y=\"42\">%s%s from %s call sites. A "
		"function lies on its caller, and is as wide as its share.</text>\n",
		p->flame->is_sampled ? "about " : "",
		qn_flame_text(p->of, (u64)p->total).s,
		qn_text_count(p->flame->nr).s);
}

void qn_flame_svg(FILE *out, const struct qn_flame *f, enum qn_flame_of of,
		  bool is_file)
{
	struct qn_flame_tree tree;
	struct picture p = { .out = out, .flame = f, .tree = &tree, .of = of };

	qn_flame_tree_make(&tree, f, of, false);
	p.total = (double)max(tree.nodes[0].value, (u64)1);
	p.depth = depth_of(&p, 0, 0);
	put_head(&p, HEADER + (double)p.depth * ROW + FOOTER, is_file);
	put_node(&p, 0, 0, 0);
	fprintf(out, "<script>//<![CDATA[\n%s//]]></script>\n</svg>\n", script);
	qn_flame_tree_exit(&tree);
}
