# SPDX-License-Identifier: MIT
# a C++ program with threads: operators new and delete of every form,
# exceptions, memory resources, and blocks that one thread makes and another
# frees

needs="g++"
counts=program

prepare()
{
	cat >program.cc <<-'END'
	#include <algorithm>
	#include <condition_variable>
	#include <deque>
	#include <future>
	#include <iostream>
	#include <list>
	#include <map>
	#include <memory_resource>
	#include <mutex>
	#include <new>
	#include <string>
	#include <thread>
	#include <unordered_map>
	#include <vector>
	struct alignas(128) wide { char c[256]; };
	static std::mutex lock;
	static std::condition_variable filled;
	static std::deque<std::unique_ptr<std::string>> queue;
	static bool done;
	static unsigned long make(unsigned seed)
	{
		std::map<unsigned, std::list<std::string>> m;
		unsigned long sum = 0;
		unsigned x = seed;
		for (int i = 0; i < 40000; i++) {
			x = x * 1664525 + 1013904223;
			m[x >> 24].emplace_back(x >> 8 & 127, 'a' + i % 26);
			if (m[x >> 24].size() > 20)
				m.erase(x >> 24);
			if (i % 16 == 0) {
				std::unique_lock<std::mutex> l(lock);
				queue.push_back(
					std::make_unique<std::string>(x % 900, 'q'));
				filled.notify_one();
			}
		}
		for (auto &e : m)
			for (auto &s : e.second)
				sum += s.size() * e.first;
		return sum;
	}
	static unsigned long eat()
	{
		unsigned long sum = 0;
		for (;;) {
			std::unique_lock<std::mutex> l(lock);
			filled.wait(l, [] { return done || !queue.empty(); });
			if (queue.empty())
				return sum;
			auto s = std::move(queue.front());
			queue.pop_front();
			l.unlock();
			sum += s->size();
		}
	}
	static int forms()
	{
		int n = 0;
		for (int i = 0; i < 2000; i++) {
			auto *w = new wide[i % 5 + 1];
			n += reinterpret_cast<unsigned long>(w) % 128 == 0;
			delete[] w;
			auto *q = new (std::nothrow) int[i + 1];
			n += q != nullptr;
			delete[] q;
			auto *o = new (std::align_val_t(512)) char[100];
			::operator delete[](o, std::align_val_t(512));
			::operator delete(::operator new(i + 1), i + 1);
		}
		volatile unsigned long huge = ~0ul >> 2;
		try {
			delete[] new char[huge];
		} catch (const std::bad_alloc &e) {
			n++;
		}
		n += new (std::nothrow) char[huge] == nullptr;
		static int tries;
		std::set_new_handler([] {
			if (++tries == 3)
				throw std::bad_alloc();
		});
		try {
			delete[] new char[huge];
		} catch (const std::bad_alloc &e) {
			n += tries;
		}
		std::pmr::unsynchronized_pool_resource pool;
		std::pmr::vector<std::pmr::string> v(&pool);
		for (int i = 0; i < 5000; i++)
			v.emplace_back("a string too long to be kept in place " +
				       std::to_string(i));
		return n + v.size();
	}
	int main()
	{
		std::vector<std::future<unsigned long>> makers, eaters;
		for (unsigned i = 1; i <= 4; i++)
			makers.push_back(
				std::async(std::launch::async, make, i));
		for (int i = 0; i < 2; i++)
			eaters.push_back(std::async(std::launch::async, eat));
		for (auto &f : makers)
			std::cout << f.get() << "\n";
		{ std::lock_guard<std::mutex> l(lock); done = true; }
		filled.notify_all();
		unsigned long sum = 0;
		for (auto &f : eaters)
			sum += f.get();
		std::cout << sum << " " << forms() << std::endl;
	}
	END
	g++ -O1 -std=c++17 -o program program.cc -pthread
}

run()
{
	"$IN/program"
}
