# SPDX-License-Identifier: MIT
# java: the compiler ecj compiles a program, which then runs collections, four
# threads, direct buffers and deflaters (whose memory comes from malloc) under
# the parallel collector with both just-in-time compilers

needs="java ecj"
counts=java

prepare()
{
	cat >Work.java <<-'END'
	import java.nio.ByteBuffer;
	import java.util.*;
	import java.util.concurrent.*;
	import java.util.stream.*;
	import java.util.zip.*;

	public class Work {
	    static int pack(byte[] data) throws Exception {
	        Deflater d = new Deflater(6);
	        byte[] out = new byte[data.length + 100];
	        d.setInput(data);
	        d.finish();
	        int n = d.deflate(out);
	        d.end();
	        Inflater i = new Inflater();
	        byte[] back = new byte[data.length];
	        i.setInput(out, 0, n);
	        int m = i.inflate(back);
	        i.end();
	        if (m != data.length || !Arrays.equals(data, back))
	            throw new Exception("damaged");
	        return n;
	    }

	    static long job(int seed) throws Exception {
	        Random r = new Random(seed);
	        Map<String, List<Integer>> m = new TreeMap<>();
	        long sum = 0;
	        for (int i = 0; i < 3000; i++) {
	            m.computeIfAbsent("k" + r.nextInt(500),
	                              k -> new ArrayList<>()).add(i);
	            ByteBuffer b =
	                ByteBuffer.allocateDirect(r.nextInt(900) + 1);
	            b.put(0, (byte) i);
	            sum += b.capacity() + b.get(0);
	        }
	        for (int i = 0; i < 150; i++) {
	            byte[] data = new byte[500 + i * 7];
	            for (int j = 0; j < data.length; j++)
	                data[j] = (byte) r.nextInt(20);
	            sum += pack(data);
	        }
	        return sum * 31 + m.toString().hashCode();
	    }

	    public static void main(String[] a) throws Exception {
	        ExecutorService pool = Executors.newFixedThreadPool(4);
	        List<Future<Long>> got = new ArrayList<>();
	        for (int i = 0; i < 24; i++) {
	            final int n = i;
	            got.add(pool.submit(() -> job(n)));
	        }
	        for (Future<Long> f : got)
	            System.out.println(f.get());
	        pool.shutdown();
	        System.out.println(IntStream.range(0, 200000).parallel()
	            .mapToObj(Integer::toString).filter(s -> s.contains("77"))
	            .collect(Collectors.joining(",")).hashCode());
	        for (int i = 0; i < 200; i++) {
	            Thread t = new Thread(
	                () -> new ArrayList<>(List.of(1, 2, 3)).toString());
	            t.start();
	            t.join();
	        }
	    }
	}
	END
}

run()
{
	java -XX:+UseSerialGC -Xmx256m \
		-cp /usr/share/java/eclipse-jdt-core.jar \
		org.eclipse.jdt.internal.compiler.batch.Main \
		-17 -proc:none -d . "$IN/Work.java" &&
		java -XX:+UseParallelGC -Xmx256m \
			-XX:MaxDirectMemorySize=200m Work
}

verify()
{
	cksum Work.class
}
