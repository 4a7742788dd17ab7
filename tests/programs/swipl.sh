# SPDX-License-Identifier: MIT
# swipl: clauses asserted and retracted, all solutions, atoms, strings, sorting,
# threads and message queues

prepare()
{
	cat >work.pl <<-'END'
	:- use_module(library(lists)).
	:- use_module(library(apply)).
	:- use_module(library(aggregate)).
	:- dynamic fact/3.

	queens(N, Qs) :- numlist(1, N, Ns), place(Ns, [], Qs).
	place([], Qs, Qs).
	place(Un, Safe, Qs) :-
	    select(Q, Un, R), \+ attack(Q, 1, Safe), place(R, [Q|Safe], Qs).
	attack(X, N, [Y|_]) :- X is Y + N.
	attack(X, N, [Y|_]) :- X is Y - N.
	attack(X, N, [_|Ys]) :- N1 is N + 1, attack(X, N1, Ys).

	nrev([], []).
	nrev([H|T], R) :- nrev(T, R0), append(R0, [H], R).

	work(Id, Sum) :-
	    findall(L, (between(1, 2000, I), X is I * Id mod 1009,
	                format(atom(A), "t~d_~d", [Id, X]),
	                atom_length(A, L)), Ls),
	    sum_list(Ls, Sum).

	facts :-
	    forall(between(1, 20000, I),
	           (X is I * 7919 mod 1013, atom_concat(name, X, A),
	            assertz(fact(I, A, f(X, [I, A]))))),
	    aggregate_all(count, fact(_, name7, _), C), writeln(C),
	    forall((between(1, 20000, I), I mod 3 =:= 0),
	           retract(fact(I, _, _))),
	    aggregate_all(count, fact(_, _, _), C2), writeln(C2),
	    findall(A-I, fact(I, A, _), Ps), msort(Ps, Sorted),
	    nth1(1000, Sorted, E), writeln(E).

	threads :-
	    findall(T, (between(1, 4, I), thread_create(work(I, _), T)), Ts),
	    maplist(thread_join, Ts),
	    message_queue_create(Q),
	    thread_create(forall(between(1, 3000, I),
	                         (length(V, 10),
	                          thread_send_message(Q, m(I, V)))),
	                  Th),
	    findall(I, (between(1, 3000, _), thread_get_message(Q, m(I, _))),
	            Is),
	    thread_join(Th), sum_list(Is, S), writeln(S).

	keep(I) :-
	    string_concat("value ", I, S), nb_setval(key, S),
	    split_string(S, " ", "", P), length(P, 2).

	main :-
	    facts,
	    findall(Qs, queens(6, Qs), All), length(All, N), writeln(N-All),
	    numlist(1, 300, L), forall(between(1, 10, _), nrev(L, _)),
	    nrev(L, [F|_]), writeln(F),
	    threads,
	    maplist(work, [1, 2, 3], Sums), writeln(Sums),
	    X is 7 ** 2000 mod (10 ** 30), writeln(X),
	    numlist(1, 3000, Big), term_to_atom(Big, At), atom_length(At, AL),
	    writeln(AL),
	    forall(between(1, 3000, I), keep(I)), writeln(done).
	END
}

run()
{
	swipl -q -f none -t halt -g main "$IN/work.pl"
}
