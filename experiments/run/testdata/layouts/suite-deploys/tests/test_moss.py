def test_grows():
    pass
