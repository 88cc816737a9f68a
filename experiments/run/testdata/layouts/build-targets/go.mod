module post.test/post
